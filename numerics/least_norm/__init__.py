"""The programme of zero loss and least norm on any dataset, and polishing trained models towards it."""
