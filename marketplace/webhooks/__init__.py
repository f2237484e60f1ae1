"""Telling the systems of sites and schools what happened, by calls to addresses that they name.

Owns: endpoints with their secrets, messages, deliveries and every attempt at them; the catalogue of
what can be told. Subscribes to the events of the packages below.

Promises: a message exists exactly when its cause does; it is sent at least once, under one id, to
the endpoints of its own site or school and to no other (a foreign key holds that); calls are signed
as the Standard Webhooks specification says and go to public addresses only. Order is not promised.

Refuses: addresses that are not HTTPS or lead into a private network; redirects; to show a secret a
second time.
"""
