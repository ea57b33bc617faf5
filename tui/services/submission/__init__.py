"""From a training file to a created job: forecast, upload, creation, resubmission."""
