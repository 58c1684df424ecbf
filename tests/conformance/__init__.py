"""What every store must do, whatever it stores on."""
