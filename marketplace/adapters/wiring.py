"""Which adapter serves which protocol, from the settings."""

from marketplace.adapters.cache import NoCache, RedisCache
from marketplace.adapters.document_vault import AesDocumentVault
from marketplace.adapters.letter_vault import AesLetterVault
from marketplace.adapters.link_signer import HmacLinkSigner
from marketplace.adapters.mailer import SmtpMailer
from marketplace.adapters.news import NoNews, RedisNews
from marketplace.adapters.object_store import FileStore
from marketplace.adapters.pdf import TypstRenderer
from marketplace.adapters.reply_signer import HmacReplySigner
from marketplace.adapters.secret_vault import AesSecretVault
from marketplace.adapters.virus_scanner import ClamdScanner, NoScanner
from marketplace.booking.gateway import ReplySigner
from marketplace.compliance import gateway as compliance
from marketplace.core.loading import named
from marketplace.core.parts import Parts
from marketplace.core.ports import Cache, Mailer, News, ObjectStore, PdfRenderer
from marketplace.core.scanning import VirusScanner
from marketplace.core.settings import Settings
from marketplace.identity import gateway as identity
from marketplace.outcomes.gateway import CredentialSigner, LetterVault, LinkSigner
from marketplace.payments.gateway import (
    CardGateway,
    DisputeGateway,
    HostGateway,
    PaymentGateway,
)
from marketplace.reporting.gateway import DeliveryStore
from marketplace.webhooks.gateway import SecretVault, WebhookSender


def wire(parts: Parts, settings: Settings) -> None:
    """Add an adapter for every port and gateway to `parts`."""
    parts.add(Cache, RedisCache(settings.redis_url) if settings.redis_url else NoCache())
    parts.add(News, RedisNews(settings.redis_url) if settings.redis_url else NoNews())
    parts.add(Mailer, SmtpMailer(settings.smtp_url, settings.mail_from))
    files = FileStore(settings.object_store_url)
    parts.add(ObjectStore, files)
    elsewhere = settings.export_store_url
    parts.add(DeliveryStore, files if elsewhere is None else FileStore(elsewhere))
    parts.add(PdfRenderer, TypstRenderer())
    parts.add(LetterVault, AesLetterVault(settings.letter_key))
    signer = "marketplace.adapters.badge_signer:RsaCredentialSigner"
    parts.add_later(CredentialSigner, lambda: named(signer)(settings.badge_keys))
    sender = "marketplace.adapters.webhook_sender:HttpWebhookSender"
    parts.add_later(WebhookSender, lambda: named(sender)(loopback=settings.webhooks_to_loopback))
    parts.add(SecretVault, AesSecretVault(settings.letter_key))
    parts.add(LinkSigner, HmacLinkSigner(settings.secret_keys))
    parts.add(
        ReplySigner,
        HmacReplySigner(settings.secret_keys, settings.reply_domain, settings.inbound_mail_secret),
    )
    parts.add(identity.LinkSigner, HmacLinkSigner(settings.secret_keys))
    parts.add(compliance.LinkSigner, HmacLinkSigner(settings.secret_keys))
    scanner = ClamdScanner(settings.clamd_url) if settings.clamd_url else NoScanner()
    parts.add(VirusScanner, scanner)
    parts.add(compliance.DocumentVault, AesDocumentVault(settings.letter_key))
    _wire_processor(parts, settings)


def _wire_processor(parts: Parts, settings: Settings) -> None:
    """The processor's SDK is loaded by those processes that ask for one of its parts."""
    key, base = settings.stripe_secret_key, settings.stripe_api_base
    secrets = settings.stripe_webhook_secrets
    adapters = "marketplace.adapters.stripe_"
    parts.add_later(
        PaymentGateway,
        lambda: named(f"{adapters}gateway:StripeGateway")(
            key, webhook_secrets=secrets, api_base=base
        ),
    )
    parts.add_later(
        HostGateway, lambda: named(f"{adapters}connect:StripeConnect")(key, api_base=base)
    )
    parts.add_later(CardGateway, lambda: named(f"{adapters}cards:StripeCards")(key, api_base=base))
    parts.add_later(
        DisputeGateway, lambda: named(f"{adapters}disputes:StripeDisputes")(key, api_base=base)
    )
