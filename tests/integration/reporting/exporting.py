"""Asking for exports over HTTP, and taking their files home."""

import csv
import io

API = "/api/v1/exports"


def export(client, analyst, run_jobs, **sent):
    if sent.get("profile") == "identified":
        sent.setdefault("reason", "to check what was recorded")
    answer = client.post(API, json=sent, headers=analyst.headers)
    assert answer.status_code == 202, answer.get_data()
    run_jobs()
    return client.get(answer.headers["Location"], headers=analyst.headers).get_json()


def download(client, analyst, run, name):
    answer = client.get(f"{API}/{run['id']}/files/{name}", headers=analyst.headers)
    assert answer.status_code == 200, answer.get_data()
    return answer


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def table_of(client, analyst, run):
    return rows_of(download(client, analyst, run, run["files"][0]["name"]).get_data())
