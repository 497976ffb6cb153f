"""A judge: labels from a language model behind an OpenAI-compatible chat endpoint.

    section    what the configuration says of a judge, and its prompt
    sample     which documents are judged, and where the labelled rows lie
    labelling  the labelled rows that come of a sample
    asking     all questions of a sample: many at a time, each at most once
    endpoint   one question over HTTP: pace, back-off, what an endpoint may answer
    kept       answers on disk, so that none is paid for twice
    answers    what an answer means, how far two answers agree, what they cost

A text that is judged can talk the model into an answer, and nothing here can prevent that. An answer is read strictly,
as one of a few words or numbers at its end; it is never executed, and never shown unescaped.
"""
