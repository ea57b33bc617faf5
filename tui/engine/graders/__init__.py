"""OpenAI's graders: parsing, text similarity, formulas, grading."""
