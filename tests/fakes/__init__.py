"""Stand-ins for the network, with faults that tests switch on."""
