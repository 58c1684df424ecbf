"""
From YAML to one immutable policy set, with every mistake at its line and column.

    documents, scalars    YAML read strictly, with positions
    reading, words        values out of a document, collecting every mistake
    rules, vocabulary     the documents of `policies/`
    manifests, routes, fields, upstreams    the documents of `partners/`
    selectors, patterns, transforms, jwks, names    what stands inside them
    check_rules, check, check_routes, check_fields  what they may say together
    compile, load         the whole set; `load` alone reads the disk
    editions, citations, coverage    digests, and which promise is covered by what
"""
