"""Customers who never were: each has a goal and talks to an assistant, and the order book tells how it went."""
