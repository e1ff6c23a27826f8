"""How parameters are grouped for the optimiser; depth comes from the backbone."""

from simmim_eval.optim.layer_decay import Group, LayerDecayConstructor, param_groups

__all__ = ["Group", "LayerDecayConstructor", "param_groups"]
