"""Technicians: skills, qualifications with expiry, shifts, absences. Who can be asked at all."""
