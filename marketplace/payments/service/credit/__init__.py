"""Credit: what we owe trainees that pays for something later, and what becomes of it.

Granted where the terms of a cancellation say so or an operator gives it; set aside, used and put
back by payments; expired, revoked and handed on. Every step is a movement of a grant, and what is
not set aside or put back is posted in the same transaction: the books always owe what there is.
"""
