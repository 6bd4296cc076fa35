"""The claims: what theory says of trained models, in a form that can lose."""
