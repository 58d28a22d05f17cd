"""Mail as a way to SMS: envelopes, numbers in addresses, the text of a message, reports."""
