"""The demo company: generated people and the exports their behaviour leaves in the company's systems.

Here lives only what invents data. How such exports are read belongs to `sources/`, what they mean to `models/`.
"""
