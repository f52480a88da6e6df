package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The mean over the hidden units of {@code (p - t)^2} (the paper's ablation "MSE", arXiv
 * 2509.14252, table 3).
 */
final class MeanSquaredError implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        SDVariable difference = Embeddings.difference(pairs.prediction(), pairs.target());
        SDVariable units =
                difference.getSameDiff().sizeAt(difference, 1).castTo(difference.dataType());
        return Ops.multiplyConstant(Embeddings.squaredNorms(difference), units.rdiv(1.0));
    }
}
