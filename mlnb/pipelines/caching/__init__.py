"""The cache of steps: what a result depends on, whether there is one, why a step runs again.

A step's *key* stands for all that is known to matter before it runs: the code of its cells, its
parameters, the versions of its declared inputs, the environment's lock, the project's modules that
it imports. Layout, white space, comments, outputs, ids and metadata do not count. What a step only
turns out to read while it runs (a dataset that it loads by name, a file whose name its code says)
is kept with its result, which is used only while that is still as it was.

Results are in the object store, so that a CI job uses what a colleague's machine has computed:
``pipelines/steps/<first two digits>/<key>``. The key is the digest of the JSON object with its
parts, which is stored as well: what has changed can be told from any earlier key.
"""
