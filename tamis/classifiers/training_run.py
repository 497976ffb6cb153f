"""The steps of a fine-tuning: batches in a fixed order, the optimiser, measuring, going on after a kill."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from pydantic import Field

from tamis.classifiers import evaluation
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import batch_of, lengths
from tamis.classifiers.training_state import Scratch
from tamis.errors import ModelError
from tamis.hashing import keyed_uint64
from tamis.section import Section

log = logging.getLogger(__name__)

VERSION = 1
"""Of what the steps do and keep: the state of another version is not gone on from."""


class Full(Section):
    """How an encoder is fine-tuned; tokens, threads, device and number type are those of the backbone."""

    epochs: int = Field(
        10,
        ge=1,
        le=100,
        description="Passes over the training texts, at most; training stops where it no longer helps.",
    )
    batch: int = Field(16, ge=1, le=1024, description="Texts a step.")
    learning_rate: float = Field(
        5e-5, gt=0.0, le=1e-2, description="Highest learning rate (BERT's own choice for fine-tuning: 2e-5 to 5e-5)."
    )
    warmup: float = Field(
        0.1, ge=0.0, le=0.9, description="Share of all steps over which the rate rises to it; then it falls to 0."
    )
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, description="Of AdamW; biases and norms are left out.")
    max_gradient_norm: float = Field(1.0, gt=0.0, description="Longest gradient of a step; longer ones are scaled.")
    validation: float = Field(
        0.15,
        gt=0.0,
        lt=0.9,
        description="Share of the training texts of each class and kind, near-copies together, that decides when to "
        "stop; the held-out texts of the card are others.",
    )
    evaluate_steps: int | None = Field(
        None, ge=1, description="Steps between two measurements of the validation part; null: one an epoch."
    )
    patience: int = Field(
        3, ge=1, description="Measurements without a better AUC (or the same with less loss) after which it stops."
    )
    checkpoint_steps: int = Field(
        100,
        ge=1,
        description="Steps after which the state is kept on disk, four times the weights; a kill costs these.",
    )
    seed: int = Field(0, ge=0, description="Of the new layer, the order of texts, dropout and the validation part.")


@dataclass
class Progress:
    """How far a training is."""

    step: int = 0
    best_step: int = 0
    best_auc: float = 0.0
    best_loss: float = 0.0
    waited: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def better(self, auc: float, loss: float) -> bool:
        """Whether a measurement beats the best one so far."""
        return self.best_step == 0 or (auc, -loss) > (self.best_auc, -self.best_loss)


@dataclass(frozen=True)
class Part:
    """n texts of one side: ids, token ids, targets (n × 2), whether they are good, and weights of mean 1."""

    ids: list[str]
    tokens: list[np.ndarray]
    truth: np.ndarray
    positive: np.ndarray
    weights: np.ndarray


class Run:
    """One training: the model, its texts, and the steps."""

    def __init__(
        self,
        torch: Any,
        model: Any,
        tokenizer: Any,
        settings: Backbone,
        full: Full,
        training: Part,
        validation: Part,
    ) -> None:
        self._torch, self._model, self._settings, self._full = torch, model, settings, full
        self._padding = tokenizer.pad_token_id
        self._training, self._validation = training, validation
        self._epoch_steps = math.ceil(len(training.ids) / full.batch)
        self.planned = self._epoch_steps * full.epochs
        # Biases, and the weights and biases of norms, are the parameters of one dimension.
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [each for each in parameters if each.dim() > 1], "weight_decay": full.weight_decay},
                {"params": [each for each in parameters if each.dim() <= 1], "weight_decay": 0.0},
            ],
            lr=full.learning_rate,
            foreach=False,
        )

    def train(self, scratch: Scratch, after_step: Callable[[int], None]) -> tuple[Progress, dict[str, Any]]:
        """All steps that are left, or until the validation part no longer gains; how it went, and the best weights."""
        progress, best = self._resumed(scratch)
        order, epoch = np.empty(0, dtype=np.int64), -1
        every = self._full.evaluate_steps or self._epoch_steps
        while progress.step < self.planned and progress.waited < self._full.patience:
            if progress.step // self._epoch_steps != epoch:
                epoch = progress.step // self._epoch_steps
                order = np.argsort(
                    keyed_uint64(f"fine-tuning order {self._full.seed} {epoch}", self._training.ids), kind="stable"
                )
            place = progress.step % self._epoch_steps * self._full.batch
            self._step(progress.step, order[place : place + self._full.batch], scratch)
            progress.step += 1
            if progress.step % every == 0 or progress.step == self.planned:
                best = self._measured(progress, best, scratch)
            if progress.step % self._full.checkpoint_steps == 0:
                scratch.write(progress.step, self._tensors(best), asdict(progress))
            after_step(progress.step)
        return progress, best

    def _step(self, step: int, rows: np.ndarray, scratch: Scratch) -> None:
        """One step of the optimiser on some texts."""
        torch, full = self._torch, self._full
        torch.manual_seed(int(keyed_uint64(f"fine-tuning step {full.seed}", [str(step)])[0]))
        for group in self._optimiser.param_groups:
            group["lr"] = full.learning_rate * rate(step, self.planned, round(full.warmup * self.planned))
        self._model.train()
        loss = self._loss(self._training, rows)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), full.max_gradient_norm, foreach=False)
        self._check_finite(step, scratch, loss=loss.item(), gradient=norm.item())
        self._optimiser.step()

    def _check_finite(self, step: int, scratch: Scratch, **values: float) -> None:
        """Refuse to go on from what is no number; the same steps would lead there again, so the state goes, too."""
        if all(map(math.isfinite, values.values())):
            return
        scratch.clear()
        found = ", ".join(f"{name} {value}" for name, value in values.items())
        msg = (
            f"fine-tuning {self._settings.name!r}: the loss is no number after {step} steps ({found}); nothing was "
            f"saved. Lower `full.learning_rate` ({self._full.learning_rate:g}) or lengthen `full.warmup`; where it "
            "happens at the first step, the backbone's own weights are no numbers"
        )
        raise ModelError(msg)

    def _loss(self, part: Part, rows: np.ndarray) -> Any:
        """The mean weighted log loss of some texts."""
        torch, device = self._torch, self._settings.device
        logits = self._logits([part.tokens[row] for row in rows])
        truth = torch.from_numpy(part.truth[rows]).to(device, torch.float32)
        weights = torch.from_numpy(part.weights[rows]).to(device, torch.float32)
        return -((torch.log_softmax(logits, dim=1) * truth).sum(dim=1) * weights).mean()

    def _logits(self, tokens: Sequence[np.ndarray]) -> Any:
        """Logits of some texts, padded to the smallest of the encoder's lengths that holds them."""
        torch, settings = self._torch, self._settings
        longest = max(len(row) for row in tokens)
        length = next(size for size in lengths(settings.max_tokens) if size >= longest)
        ids, mask = (torch.from_numpy(array) for array in batch_of(tokens, length, len(tokens), self._padding))
        with torch.autocast(settings.device, torch.bfloat16, enabled=settings.dtype == "bf16"):
            output = self._model(input_ids=ids.to(settings.device), attention_mask=mask.to(settings.device))
        return output.logits.float()

    def _measured(self, progress: Progress, best: dict[str, Any], scratch: Scratch) -> dict[str, Any]:
        """Measure the validation part, and keep the weights where they are the best so far."""
        torch, part = self._torch, self._validation
        self._model.eval()
        starts = range(0, len(part.ids), self._full.batch)
        with torch.no_grad():
            found = [self._logits(part.tokens[start : start + self._full.batch]) for start in starts]
            logits = torch.cat(found).cpu().to(torch.float64)
            truth = torch.from_numpy(part.truth)
            each = -(torch.log_softmax(logits, dim=1) * truth).sum(dim=1).numpy() * part.weights
        loss = float(each.mean())
        self._check_finite(progress.step, scratch, validation=loss)
        auc = evaluation.roc_auc(part.positive, (logits[:, 1] - logits[:, 0]).numpy()) or 0.0
        progress.history.append({"step": progress.step, "auc": round(auc, 4), "loss": round(loss, 4)})
        log.info("step %d of %d: validation AUC %.4f, loss %.4f", progress.step, self.planned, auc, loss)
        if not progress.better(auc, loss):
            progress.waited += 1
            return best
        progress.best_step, progress.best_auc, progress.best_loss, progress.waited = progress.step, auc, loss, 0
        return {name: tensor.detach().cpu().clone() for name, tensor in self._model.state_dict().items()}

    def _tensors(self, best: Mapping[str, Any]) -> dict[str, Any]:
        """All that a training needs to go on, by name."""
        found = {f"model.{name}": tensor for name, tensor in self._model.state_dict().items()}
        found |= {f"best.{name}": tensor for name, tensor in best.items()}
        for name, parameter in self._model.named_parameters():
            for moment in ("exp_avg", "exp_avg_sq"):
                state = self._optimiser.state.get(parameter, {})
                if moment in state:
                    found[f"{moment}.{name}"] = state[moment]
        return found

    def _resumed(self, scratch: Scratch) -> tuple[Progress, dict[str, Any]]:
        """Where an earlier training of the same labels and settings stopped, or the beginning."""
        kept = scratch.read()
        if kept is None:
            scratch.clear()
            return Progress(), {}
        tensors, told = kept
        progress = Progress(**told)
        self._model.load_state_dict(_below("model.", tensors))
        device = self._settings.device
        for name, parameter in self._model.named_parameters():
            if f"exp_avg.{name}" in tensors:
                self._optimiser.state[parameter] = {
                    "step": self._torch.tensor(float(progress.step)),
                    "exp_avg": tensors[f"exp_avg.{name}"].to(device),
                    "exp_avg_sq": tensors[f"exp_avg_sq.{name}"].to(device),
                }
        log.info("goes on after step %d of %d", progress.step, self.planned)
        return progress, _below("best.", tensors)


def rate(step: int, planned: int, warm: int) -> float:
    """The share of the learning rate of a step: it rises over the first `warm`, and falls to 0 over the others."""
    return (step + 1) / warm if step < warm else (planned - step) / (planned - warm)


def _below(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
