"""Makes `drift_mcp/cortex/common_questions.vectors` anew: the vectors of common_questions.txt, by the default model.

    python -m scripts.precompute_vectors

Run it when the list or the default model has changed. The same list and model give the same file.
"""

from __future__ import annotations

from drift_mcp.cortex import precomputed
from drift_mcp.cortex.caches import cache_key
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM, installed_weights


def main() -> None:
    source = MiniLM(installed_weights())
    lacking = source.lacking()
    if lacking is not None:
        raise SystemExit(f"No vectors can be made: {lacking}.")
    model = source.load()
    made: dict[bytes, bytes] = {}
    for text in precomputed.texts():
        vector = model.question_vector(text)
        if vector is None:
            raise SystemExit(f"The model has no meaning for {text!r}: take it out of {precomputed.TEXTS.name}.")
        made[cache_key(DEFAULT_MODEL, text)] = vector
    precomputed.write(DEFAULT_MODEL.fingerprint, DEFAULT_MODEL.dimensions, made)
    print(f"{precomputed.VECTORS.name}: {len(made)} texts, {precomputed.VECTORS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
