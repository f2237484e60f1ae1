"""Pages of schools: for their coordinators, and for whom they invite or ask to sign."""
