"""One run's configuration: every value that a sweep may set, under W&B's config keys."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from sweepcnn.config.network import Blocks, NetworkConfig
from sweepcnn.config.presets import preset_values
from sweepcnn.config.problems import not_a_mapping, problems_of, show
from sweepcnn.config.values import Integer, Real, Section
from sweepcnn.errors import InputError, Problem

SYNONYMS = {"optimiser": "optimizer"}

# A general name that is given overrides the special ones that a preset brings along.
_REFINEMENTS = {
    "dropout": ("conv_dropout", "dense_dropout"),
    "activation": ("dense_activation",),
}
_LISTS_PER_BLOCK = ("filters", "kernel_size", "pool")
_BLOCKS: TypeAdapter[int] = TypeAdapter(Blocks)


class DataConfig(Section):
    """Which images, how large, and how they are split and prepared."""

    dataset: str = "inaturalist"
    """A name (inaturalist, cifar10, cifar100, digits) or the path of a folder or .npz file."""
    image_size: Annotated[Integer, Field(ge=1, le=1024)] = 128
    """The side in pixels to which every image is resized."""
    augment: Literal["none", "flip_crop", "flip_crop_rotate"] = "none"
    """The random changes of training images, one of none, flip_crop, flip_crop_rotate."""
    normalize: Literal["none", "half"] = "half"
    """How pixels are scaled: none gives 0..1, half (mean 0.5, deviation 0.5) gives -1..1."""
    val_fraction: Annotated[Real, Field(gt=0, lt=1)] = 0.2
    """The share of each class held out of the training images for validation."""
    test_fraction: Annotated[Real, Field(gt=0, lt=1)] = 0.2
    """The share of each class held out for the test where a dataset brings no test set."""
    split_seed: Annotated[Integer, Field(ge=0, lt=2**32)] = 0
    """The seed of the split, apart from seed so that runs with other seeds stay comparable."""


class OptimizerConfig(Section):
    """The optimizer and its step."""

    optimizer: Literal["adam", "sgd"] = "adam"
    """The optimizer, adam or sgd."""
    learning_rate: Annotated[Real, Field(gt=0, le=1e6)] = 1e-3
    """The optimizer's step size, more than 0, such as 1e-3."""
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    """The momentum of sgd, 0 or more and less than 1."""
    weight_decay: Annotated[Real, Field(ge=0, le=1e6)] = 0.0
    """The L2 penalty's factor, 0 or more."""


class TrainingConfig(Section):
    """How long and how one network is trained."""

    epochs: Annotated[Integer, Field(ge=1, le=100_000)] = 10
    """The number of passes over the training images."""
    patience: Annotated[Integer, Field(ge=1)] | None = None
    """The epochs without a better validation accuracy after which training ends; null for never."""
    batch_size: Annotated[Integer, Field(ge=2, le=65536)] = 32
    """The number of images in a step, 2 or more."""
    seed: Annotated[Integer, Field(ge=0, lt=2**32)] = 0
    """The seed of initial weights, shuffling, augmentation and dropout."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """The arithmetic: auto is bfloat16 on GPUs that have it and float32 elsewhere."""


class RunConfig(NetworkConfig, DataConfig, OptimizerConfig, TrainingConfig):
    """All settings of one training run, flat, named as in sweep files and in W&B.

    Building one (`RunConfig(...)`, `RunConfig.model_validate(mapping)`) raises an InputError that
    names every fault at once.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults_at_once(cls, values: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(values, cls):
            return values
        if not isinstance(values, Mapping):
            raise InputError(not_a_mapping(values))
        given, problems = _rename(values)
        preset, unknown = preset_values(given.get("preset"))
        merged = _overridden(preset, given)
        config = None
        try:
            config = build(merged)
        except ValidationError as error:
            problems += problems_of(error, cls, SYNONYMS)
        problems += unknown + _per_block_problems(merged)
        if problems or config is None:
            raise InputError(problems)
        return config


def overridden(base: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """Give parameters that others override, under whichever of its names each is written."""
    names = {SYNONYMS.get(key, key) for key in by}
    return {k: v for k, v in base.items() if SYNONYMS.get(k, k) not in names} | dict(by)


def _rename(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Put synonyms under the name that we use."""
    given = {SYNONYMS.get(key, key): value for key, value in values.items()}
    problems = [
        Problem(
            f"{synonym} = {show(values[synonym])}, {name} = {show(values[name])}",
            "are one parameter given twice",
            "give one of them",
        )
        for synonym, name in SYNONYMS.items()
        if synonym in values and name in values
    ]
    return given, problems


def _overridden(preset: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    hidden = {special for name in given for special in _REFINEMENTS.get(name, ())}
    if _is_list(given.get("filters")):
        hidden.add("filter_strategy")  # a list leaves nothing for it to say
    return {key: value for key, value in preset.items() if key not in hidden} | given


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _per_block_problems(values: Mapping[str, Any]) -> list[Problem]:
    """Find lists that do not fit the number of blocks, in values that are not yet checked."""
    problems = []
    lists = {name: values[name] for name in _LISTS_PER_BLOCK if _is_list(values.get(name))}
    blocks = _read_blocks(values.get("blocks", NetworkConfig.model_fields["blocks"].default))
    for name, value in lists.items():
        if blocks is not None and len(value) != blocks:
            fits = f"set blocks: {len(value)} or " if _read_blocks(len(value)) else ""
            problems.append(
                Problem(
                    f"{name} = {show(list(value))}",
                    f"lists {len(value)} values for {blocks} blocks",
                    f"{fits}give one value a block",
                )
            )
    strategy = values.get("filter_strategy", "same")
    if "filters" in lists and strategy != "same":
        problems.append(
            Problem(
                f"filter_strategy = {show(strategy)}",
                f"is read only where filters is one number, not {show(list(lists['filters']))}",
                "leave it out or give one number of filters",
            )
        )
    return problems


def _read_blocks(value: Any) -> int | None:
    """Give a number of blocks; null for a value that is none, which is told elsewhere."""
    try:
        return _BLOCKS.validate_python(value)
    except ValidationError:
        return None
