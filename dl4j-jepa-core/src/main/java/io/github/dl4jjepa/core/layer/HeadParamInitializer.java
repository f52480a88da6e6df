package io.github.dl4jjepa.core.layer;

import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The parameters of a {@link JepaLossLayer}: W in column-major order, then b, as those of a {@code
 * RnnOutputLayer}. Networks saved by 0.1.0-SNAPSHOT have W in row-major order.
 */
final class HeadParamInitializer extends DefaultParamInitializer {
    static final HeadParamInitializer INSTANCE = new HeadParamInitializer();

    private HeadParamInitializer() {}

    @Override
    protected boolean hasBias(Layer layer) {
        return ((JepaLossLayer) layer).isHasBias();
    }

    @Override
    protected INDArray createWeightMatrix(
            NeuralNetConfiguration configuration, INDArray view, boolean initialize) {
        JepaLossLayer layer = (JepaLossLayer) configuration.getLayer();
        if (initialize) {
            long[] shape = {layer.getNIn(), layer.getNOut()};
            return layer.getWeightInitFn()
                    .init(layer.getNIn(), layer.getNOut(), shape, layer.getWeightOrder(), view);
        }
        return weight(layer, view);
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(
            NeuralNetConfiguration configuration, INDArray gradients) {
        JepaLossLayer layer = (JepaLossLayer) configuration.getLayer();
        Map<String, INDArray> views = super.getGradientsFromFlattened(configuration, gradients);
        views.put(WEIGHT_KEY, weight(layer, gradients));
        return views;
    }

    /** The weight in a view that begins with it. */
    private static INDArray weight(JepaLossLayer layer, INDArray view) {
        long length = layer.getNIn() * layer.getNOut();
        return view.reshape(view.length())
                .get(NDArrayIndex.interval(0, length))
                .reshape(layer.getWeightOrder(), layer.getNIn(), layer.getNOut());
    }
}
