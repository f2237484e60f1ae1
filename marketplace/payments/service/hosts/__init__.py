"""What hosts are paid: their accounts and contracts, their shares, transfers and debts."""
