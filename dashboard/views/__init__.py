"""Views: one per tab of the page, and the parts that they consist of."""
