"""Values that JSON can hold, likely ones and absurd ones."""

from hypothesis import strategies as st

# Without lone surrogates, which UTF-8 cannot hold.
texts = st.text(st.characters(codec="utf-8"), max_size=40)
numbers = st.one_of(
    st.integers(min_value=-(2**63), max_value=2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
