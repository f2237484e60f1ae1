"""Products and one-time prices, as far as Checkout's line items need them."""

from marketplace.embedded.stripe_sandbox.errors import bad_parameter
from marketplace.embedded.stripe_sandbox.forms import (
    Bool,
    Choice,
    Currency,
    Form,
    Group,
    Int,
    ListOf,
    Metadata,
    Text,
    Url,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

PRODUCT = Group(
    of={
        "name": Text(required=True),
        "description": Text(),
        "images": ListOf(of=Url(), most=8),
        "metadata": Metadata(),
        "statement_descriptor": Text(longest=22),
        "tax_code": Text(),
        "unit_label": Text(),
        "url": Url(),
    }
)
PRICE = {
    "currency": Currency(required=True),
    "unit_amount": Int(),
    "product": Text(),
    "product_data": PRODUCT,
    "tax_behavior": Choice(of=("exclusive", "inclusive", "unspecified")),
}


def new_product(work: Work, params: Json) -> Json:
    """A stored product."""
    product = work.new(
        "product",
        "prod",
        {
            "active": True,
            "default_price": None,
            "description": params.get("description"),
            "images": params.get("images") or [],
            "marketing_features": [],
            "metadata": merge_metadata({}, params.get("metadata") or {}),
            "name": params["name"],
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": params.get("statement_descriptor"),
            "tax_code": params.get("tax_code"),
            "unit_label": params.get("unit_label"),
            "updated": work.now,
            "url": params.get("url"),
        },
        length=14,
    )
    return work.save(product)


def new_price(work: Work, params: Json, *, within: str = "") -> Json:
    """A stored price of a given product, or of one made on the way."""

    def full(name: str) -> str:
        return f"{within}[{name}]" if within else name

    if params.get("unit_amount") is None:
        raise bad_parameter(
            full("unit_amount"), "Missing required param: unit_amount.", code="parameter_missing"
        )
    if bool(params.get("product")) == bool(params.get("product_data")):
        raise bad_parameter(
            full("product"), "Give either product or product_data.", code="parameter_missing"
        )
    if params.get("product"):
        product = work.load("product", params["product"], param=full("product"))
    else:
        product = new_product(work, params["product_data"])
    price = work.new(
        "price",
        "price",
        {
            "active": not within,
            "billing_scheme": "per_unit",
            "currency": params["currency"],
            "custom_unit_amount": None,
            "lookup_key": None,
            "metadata": merge_metadata({}, params.get("metadata") or {}),
            "nickname": params.get("nickname"),
            "product": product["id"],
            "recurring": None,
            "tax_behavior": params.get("tax_behavior") or "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": params["unit_amount"],
            "unit_amount_decimal": str(params["unit_amount"]),
        },
    )
    return work.save(price)


def create_product(work: Work, _args: Args, params: Json) -> Json:
    product = new_product(work, params)
    work.emit("product.created", product)
    return product


def create_price(work: Work, _args: Args, params: Json) -> Json:
    price = new_price(work, params)
    work.emit("price.created", price)
    return price


ROUTES = (
    Route("POST", "/v1/products", create_product, Form(PRODUCT.of)),
    Route(
        "POST",
        "/v1/prices",
        create_price,
        Form({**PRICE, "metadata": Metadata(), "nickname": Text()}),
    ),
    retrieval("product", "/v1/products"),
    retrieval("price", "/v1/prices"),
    listing("product", "/v1/products", {"active": Bool()}),
    listing("price", "/v1/prices", {"active": Bool(), "product": Text(), "currency": Text()}),
)
