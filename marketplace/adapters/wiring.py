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
from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_disputes import StripeDisputes
from marketplace.adapters.stripe_gateway import StripeGateway
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
    parts.add(
        PaymentGateway,
        StripeGateway(
            settings.stripe_secret_key,
            webhook_secrets=settings.stripe_webhook_secrets,
            api_base=settings.stripe_api_base,
        ),
    )
    parts.add(
        HostGateway,
        StripeConnect(settings.stripe_secret_key, api_base=settings.stripe_api_base),
    )
    parts.add(
        CardGateway,
        StripeCards(settings.stripe_secret_key, api_base=settings.stripe_api_base),
    )
    parts.add(
        DisputeGateway,
        StripeDisputes(settings.stripe_secret_key, api_base=settings.stripe_api_base),
    )
