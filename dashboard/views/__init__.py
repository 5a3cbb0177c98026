"""Define the page and its views: one per tab, and the parts that they consist of."""
