"""Features on infinite data: polygons, free bias, amplitude laws and their router, sea, loss budget."""
