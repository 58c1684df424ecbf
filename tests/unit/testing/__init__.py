"""The fakes that the other tests rely on."""
