"""The web site of a registry: pages made on the server, which need no JavaScript and nothing from elsewhere.

A page is a function from what was asked and one snapshot of the database to an answer. Nothing in a page is trusted: names, READMEs and
reasons of strangers are escaped, and what a person would not see is written out. What decides lies elsewhere: the site only shows.
"""
