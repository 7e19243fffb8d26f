"""The client of registries: which one is asked, what of its answers is believed, and how files come. It writes nothing into the store of packages.

What a registry answers is hostile until it is proven by its signed log; who trusts the publisher is the host's question.
"""
