package org.lossmith;

/**
 * What a call of a loss over scores will do and what it takes.
 *
 * @param plan {@link Plan#STORE} or {@link Plan#RECOMPUTE}
 * @param workspaceBytes bytes of workspace that the call needs
 * @param flops floating-point operations of its products over all scores
 */
public record ContrastivePlan(Plan plan, long workspaceBytes, double flops) {}
