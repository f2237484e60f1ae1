"""Messages by mail, the whole way round: SMTP out to a mailbox, an answer by SMTP back in."""

import re
import smtplib
import uuid
from email.message import EmailMessage
from urllib.parse import urlsplit

from tests.e2e.site import Site
from tests.smoke.clients import until

PDF = b"%PDF-1.4\n1 0 obj\n<</Note (the way to the ward)>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
REPLY = re.compile(r"r\.[a-z0-9.]+@reply\.localhost")


def test_a_message_is_mailed_answered_by_mail_with_a_file_and_mailed_on(site: Site):
    trainee, booking, _ = site.paid()
    site.await_state(trainee, booking, "confirmed")
    host = site.signed_in(
        site.people.make("coordinator", site_id=booking["site_id"], name="Cora Diaz")
    )
    thread = f"/bookings/{booking['id']}/messages"
    question = f"Where do we meet? {uuid.uuid4().hex}"
    trainee("POST", thread, {"body": question}, expect=201)
    told = site.mail.wait(host.person.email, question)
    found = REPLY.search(str(told))
    assert found is not None, told

    answer = EmailMessage()
    answer["From"] = f"Cora Diaz <{host.person.email}>"
    answer["To"], answer["Subject"] = found[0], f"Re: {told['subject']}"
    answer["Message-ID"] = f"<{uuid.uuid4()}@mail.example.org>"
    answer.set_content(f"At the gate.\n\n> -- Reply above this line --\n> {question}\n")
    answer.add_attachment(PDF, maintype="application", subtype="pdf", filename="way.pdf")
    server = urlsplit(site.environment["SMTP_URL"])
    with smtplib.SMTP(server.hostname, server.port) as line:
        line.send_message(answer)
        # A mail server that is not sure sends once more.
        line.send_message(answer)

    def written():
        return [one for one in trainee("GET", thread)["items"] if one["role"] == "host"]

    (message,) = until("the answer in the thread", written)
    assert (message["body"], message["by_mail"]) == ("At the gate.", True)
    (file,) = message["files"]
    link = trainee("POST", f"{thread}/files/{file['id']}/links")["url"]
    assert trainee.http.get(link).content == PDF
    mailed = site.mail.wait(trainee.person.email, "At the gate.")
    assert "way.pdf" in mailed["text"]
    assert len(written()) == 1
