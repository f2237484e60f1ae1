"""The HTTP surface: the API, the hosted pages, the fault interface. No decisions are made here."""
