package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.OptionName;

/** Where the JEPA term's target comes from, and whether it is trained through. */
public enum TargetMode {
    /** From the model, with gradient: the paper's (arXiv 2509.14252, section 3.1). */
    GRADIENT,
    /** From the model, as a constant (SimSiam, arXiv 2011.10566). */
    STOP_GRADIENT,
    /**
     * From a copy of the model whose weights follow the model's as an exponential moving average
     * (I-JEPA, arXiv 2301.08243; data2vec, arXiv 2202.03555). It costs an array per weight and a
     * forward pass per batch.
     */
    EMA;

    /** The name as the command line has it: {@code stop-gradient}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
