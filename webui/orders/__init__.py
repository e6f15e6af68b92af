"""The order system: a shop's book of orders in a database of its own, served over HTTP under the rules of a policy.

The demo, the editor's trials and the tests talk to it as to a shop's own system; docs/order-system.md is its policy.
"""
