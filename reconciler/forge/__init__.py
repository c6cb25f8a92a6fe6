"""Write on the forge where a policy is reviewed: one comment on a change, one issue; knows nothing of plans and targets."""
