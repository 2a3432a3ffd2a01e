"""Tables, schemas and the rules of a picture's status (SQLModel).

Rows never leave the services: what the API, the page and the command line get are the plain shapes
in `schemas`.
"""

from __future__ import annotations

from imgapp.models.base import Shape, new_id, now
from imgapp.models.images import (
    AnalysisStatus,
    Image,
    ImageAnalysis,
    ImageDeletion,
    Priority,
    Progress,
    StoreRemoval,
    WaitingReason,
    WrittenBy,
)
from imgapp.models.installation import (
    Installation,
    ModelCall,
    UsageMonth,
    UsageRemoved,
)
from imgapp.models.model_servers import (
    ConnectedModel,
    LearnedConcurrency,
    ModelPull,
    ProviderState,
)
from imgapp.models.people import (
    AccessToken,
    AuditEvent,
    Identity,
    Preferences,
    Scope,
    StorageUsage,
    User,
    UserSession,
    Viewer,
)
from imgapp.models.prompts import InstallationPrompt, Prompt, PromptTrial
from imgapp.models.runs import Run, RunItem, RunOutcome
from imgapp.models.schemas import (
    AnalysesPage,
    AnalysisPublic,
    AnalysisSummary,
    ChosenText,
    ErrorInfo,
    ImageEdit,
    ImageEvent,
    ImagePage,
    ImagePublic,
    ImageStatus,
    ImageUrls,
    TextDoubt,
    TextPublic,
    TextWords,
    Waiting,
)
from imgapp.models.texts import ImageText, TextAuthor, TextChange, TextState
from imgapp.models.uploads import (
    Batch,
    BatchItem,
    DirectUpload,
    FetchRest,
    FileOutcome,
    IdempotencyKey,
    UploadState,
)
from imgapp.models.webhooks import DeliveryState, Webhook, WebhookDelivery, WebhookEvent

__all__ = [
    "AccessToken",
    "AnalysesPage",
    "AnalysisPublic",
    "AnalysisStatus",
    "AnalysisSummary",
    "AuditEvent",
    "Batch",
    "BatchItem",
    "ChosenText",
    "ConnectedModel",
    "DeliveryState",
    "DirectUpload",
    "ErrorInfo",
    "FetchRest",
    "FileOutcome",
    "IdempotencyKey",
    "Identity",
    "Image",
    "ImageAnalysis",
    "ImageDeletion",
    "ImageEdit",
    "ImageEvent",
    "ImagePage",
    "ImagePublic",
    "ImageStatus",
    "ImageText",
    "ImageUrls",
    "Installation",
    "InstallationPrompt",
    "LearnedConcurrency",
    "ModelCall",
    "ModelPull",
    "Preferences",
    "Priority",
    "Progress",
    "Prompt",
    "PromptTrial",
    "ProviderState",
    "Run",
    "RunItem",
    "RunOutcome",
    "Scope",
    "Shape",
    "StorageUsage",
    "StoreRemoval",
    "TextAuthor",
    "TextChange",
    "TextDoubt",
    "TextPublic",
    "TextState",
    "TextWords",
    "UploadState",
    "UsageMonth",
    "UsageRemoved",
    "User",
    "UserSession",
    "Viewer",
    "Waiting",
    "WaitingReason",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
    "WrittenBy",
    "new_id",
    "now",
]
