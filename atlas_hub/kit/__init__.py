"""What knows nothing about the hub: secrets, errors, the outbound client, time, ids, and one module per library."""
