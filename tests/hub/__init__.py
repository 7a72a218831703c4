"""A server on the loopback that speaks the Hub's protocol to the real client, and clients in processes of their own."""
