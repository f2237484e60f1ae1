"""The WSGI entry: reads the settings, builds the application, nothing else."""

from config.settings import load
from marketplace.app import create_app

app = create_app(load())
