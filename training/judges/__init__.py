"""What is judged, one file per question: each judge is shown clips and reports figures."""
