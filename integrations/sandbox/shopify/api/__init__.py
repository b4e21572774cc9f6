"""The GraphQL engine: schema, scalars, paging, search, cost, refusals. It knows no order and no
product.
"""
