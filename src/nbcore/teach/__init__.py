"""For teaching: notebooks of students and teachers, hints, questions, grading."""
