"""The web pages: templates and thin routes over the services, no tables and no rules of their own.

Promises that a page works without JavaScript, asks no other host for anything, and says what the
database says.
"""
