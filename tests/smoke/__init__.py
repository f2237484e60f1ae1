"""The whole story, played on a fresh stack through HTTP and the command line, as a client would."""
