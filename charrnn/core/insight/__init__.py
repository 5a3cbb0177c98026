"""Find out which hidden units follow a feature of the text: pure statistics, without networks."""
