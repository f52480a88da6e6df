package io.github.dl4jjepa.examples.analysis;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.diagnostics.ViewEmbeddings;
import io.github.dl4jjepa.core.internal.Cosines;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.iterator.ExampleFile;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.objective.ViewProbe;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.finetuning.TrainedViews;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.Histogram;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.None;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The numbers and figures that tell whether a model's embeddings tell pairs apart. */
public final class Analysis {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int BATCH_SIZE = 8;
    private static final int WIDTH = 700;
    private static final int HEIGHT = 500;
    private static final int BINS = 40;
    private static final double MAX_PERPLEXITY = 30;
    private static final long SEED = 42;
    private static final List<String> CURVES =
            List.of("lm_loss", "jepa_loss", "validation_lm_loss", "validation_jepa_loss");

    private final CheckpointFolder folder;
    private final ChatTemplate.Options template;
    private final Path data;
    private final int limit;
    private final @Nullable Path metrics;
    private final int predictors;
    private final ViewOptions.TextView textView;
    private final ViewOptions.Pooling pooling;

    /**
     * @param folder the model
     * @param template which chat template is used
     * @param data JSON lines with the pairs to look at
     * @param limit how many of them, from the first; 0 for all
     * @param metrics metrics.jsonl of the training, or null
     * @param predictors how many [PRED] tokens follow Text, at most as many as the model's
     *     tokenizer has; -1 for all of them
     * @param textView what Text is seen with; null for what the model was trained with
     * @param pooling which hidden states are read; null for those that the model was trained with
     */
    public Analysis(
            CheckpointFolder folder,
            ChatTemplate.Options template,
            Path data,
            int limit,
            @Nullable Path metrics,
            int predictors,
            ViewOptions.TextView textView,
            ViewOptions.Pooling pooling) {
        this.folder = folder;
        this.template = template;
        this.data = data;
        this.limit = limit;
        this.metrics = metrics;
        this.predictors = predictors;
        this.textView = textView;
        this.pooling = pooling;
    }

    /**
     * What was found.
     *
     * @param pairs how many pairs were looked at
     * @param diagnostics {@link ViewDiagnostics#values}
     * @param collapse what is wrong with the embeddings, in words, or null
     * @param output the folder of the figures
     * @param figures their names: each is there as png, svg and csv
     */
    public record Result(
            int pairs,
            Map<String, Double> diagnostics,
            @Nullable String collapse,
            Path output,
            List<String> figures) {}

    /**
     * Reads the model's embeddings and draws.
     *
     * @param output a folder, new or empty
     * @throws JepaException if a file cannot be read or written
     */
    public Result run(Path output) {
        Backend.requireUsable();
        FigureFolder figures = FigureFolder.vacant(output);
        Map<String, List<Point>> curves = metrics == null ? Map.of() : curves(metrics);
        ViewProbe.Reading reading = read();
        ViewDiagnostics diagnostics = ViewDiagnostics.of(reading.views(), reading.answers());
        cosines(reading.views(), figures);
        singularValues(diagnostics, figures);
        neighbors(reading.views(), figures);
        if (!curves.isEmpty()) {
            losses(curves, figures);
        }
        return new Result(
                reading.views().pairs(),
                diagnostics.values(),
                diagnostics.collapse().orElse(null),
                output,
                figures.names());
    }

    /**
     * Reads the model's embeddings and does not draw.
     *
     * @throws JepaException if a file cannot be read
     */
    public ViewDiagnostics diagnostics() {
        ViewProbe.Reading reading = read();
        return ViewDiagnostics.of(reading.views(), reading.answers());
    }

    private ViewProbe.Reading read() {
        List<Example> examples = new ExampleFile(data).readAll();
        if (limit > 0 && limit < examples.size()) {
            examples = examples.subList(0, limit);
        }
        if (examples.size() < 2) {
            throw new JepaException(data + ": one pair cannot be compared with others");
        }
        try (PretrainedModel model = PretrainedModel.open(folder, template)) {
            TransformerDecoder decoder = model.loadDecoder();
            ChatExampleEncoder encoder = model.encoder(decoder.config().maxPositions());
            JepaMultiViewIterator batches =
                    JepaMultiViewIterator.builder()
                            .setEncoder(encoder)
                            .setExamples(examples)
                            .setLayout(layout(model.tokenizer().predictorIds()))
                            .setBatchSize(BATCH_SIZE)
                            .setPadId(encoder.padId())
                            .build();
            try (ViewProbe probe =
                    new ViewProbe(
                            decoder,
                            batches,
                            TrainedViews.linearPredictor(folder.openedPath()).orElse(null))) {
                return probe.read();
            }
        }
    }

    private ViewLayout layout(int[] predictorIds) {
        if (predictors > predictorIds.length) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: its tokenizer has %d [PRED] tokens, not %d; lower --predictors",
                            folder.openedPath(),
                            predictorIds.length,
                            predictors));
        }
        ViewOptions defaults = ViewOptions.predictors(predictorIds);
        TrainedViews trained =
                TrainedViews.read(folder.openedPath())
                        .orElse(new TrainedViews(predictorIds.length, false, defaults));
        ViewOptions options = trained.options();
        return LayoutKind.SHARED_PREFIX.of(
                ViewOptions.builder()
                        .optPredictorIds(
                                predictors < 0
                                        ? trained.predictorIds(predictorIds)
                                        : Arrays.copyOf(predictorIds, predictors))
                        .optPlacement(options.placement())
                        .optDirection(ViewOptions.Direction.FORWARD)
                        .optTextView(textView == null ? options.textView() : textView)
                        .optPooling(pooling == null ? options.pooling() : pooling)
                        .build());
    }

    private static void cosines(ViewEmbeddings views, FigureFolder figures) {
        INDArray text = views.text();
        INDArray code = views.code();
        histogram(
                "cosines",
                "Cosines of texts and codes",
                new Cosines(text, code, views.answerIds()),
                figures);
        histogram(
                "cosines-centered",
                "Cosines of texts and codes, each view's mean taken off",
                new Cosines(
                        text.subRowVector(text.mean(0)),
                        code.subRowVector(code.mean(0)),
                        views.answerIds()),
                figures);
    }

    private static void histogram(
            String name, String title, Cosines cosines, FigureFolder figures) {
        XYChart chart = xy(title, "cosine", "share");
        chart.getStyler()
                .setDefaultSeriesRenderStyle(XYSeriesRenderStyle.StepArea)
                .setLegendPosition(LegendPosition.InsideNW);
        List<String> rows = new ArrayList<>();
        Map<String, double[]> kinds = new LinkedHashMap<>();
        kinds.put("unpaired", cosines.unpairedCosines());
        kinds.put("paired", cosines.pairedCosines());
        double least = least(kinds);
        kinds.forEach(
                (kind, values) -> {
                    if (values.length == 0) {
                        return; // all answers are the same
                    }
                    Histogram counts =
                            new Histogram(Arrays.stream(values).boxed().toList(), BINS, least, 1);
                    List<Double> shares =
                            counts.getyAxisData().stream().map(n -> n / values.length).toList();
                    addBars(chart, kind, counts.getxAxisData(), shares);
                    for (int i = 0; i < BINS; i++) {
                        rows.add(kind + "," + counts.getxAxisData().get(i) + "," + shares.get(i));
                    }
                });
        Ticks.onX(chart, least, 1);
        Ticks.onY(chart, 0, 1.05 * highest(chart));
        figures.write(name, chart, "pairs,cosine,share", rows);
    }

    /** Draws bars that touch: each begins half a width before its middle. */
    private static void addBars(
            XYChart chart, String name, List<Double> middles, List<Double> heights) {
        double width = middles.get(1) - middles.get(0);
        int bars = middles.size();
        double[] edges = new double[bars + 1];
        double[] steps = new double[bars + 1];
        for (int i = 0; i < bars; i++) {
            edges[i] = middles.get(i) - width / 2;
            steps[i] = heights.get(i);
        }
        edges[bars] = edges[bars - 1] + width;
        steps[bars] = steps[bars - 1];
        chart.addSeries(name, edges, steps).setMarker(new None());
    }

    private static double highest(XYChart chart) {
        return chart.getSeriesMap().values().stream()
                .mapToDouble(XYSeries::getYMax)
                .max()
                .orElse(1);
    }

    /** The least cosine, at most 0.999: a histogram needs a range. */
    private static double least(Map<String, double[]> kinds) {
        return kinds.values().stream().flatMapToDouble(Arrays::stream).min().stream()
                .map(cosine -> Math.max(-1, Math.min(0.999, cosine)))
                .findFirst()
                .orElse(-1);
    }

    private static void singularValues(ViewDiagnostics diagnostics, FigureFolder figures) {
        double[] values = diagnostics.differenceSingularValues();
        double[] numbers = IntStream.rangeClosed(1, values.length).asDoubleStream().toArray();
        XYChart chart = xy("Singular values of Text - Code", "number", "singular value");
        chart.getStyler().setLegendVisible(false);
        double least = Arrays.stream(values).min().orElse(0);
        double most = Math.max(Arrays.stream(values).max().orElse(0), Double.MIN_NORMAL);
        // A logarithmic axis has no place for 0, as of equal views, and labels powers of ten only.
        if (least > 0 && powersOfTen(least, most) > 1) {
            chart.getStyler().setYAxisLogarithmic(true);
        } else {
            Ticks.onY(chart, 0, 1.05 * most);
        }
        chart.addSeries("singular values", numbers, values).setMarker(new None());
        Ticks.onX(chart, 0, values.length + 1);
        figures.write(
                "singular-values",
                chart,
                "number,singular_value",
                IntStream.range(0, values.length).mapToObj(i -> i + 1 + "," + values[i]).toList());
    }

    private static int powersOfTen(double min, double max) {
        return (int) (Math.floor(Math.log10(max)) - Math.ceil(Math.log10(min))) + 1;
    }

    private static void neighbors(ViewEmbeddings views, FigureFolder figures) {
        int pairs = views.pairs();
        double[][] embeddings = Nd4j.vstack(views.text(), views.code()).toDoubleMatrix();
        double perplexity = Math.min(MAX_PERPLEXITY, (embeddings.length - 1) / 3.0);
        double[][] places = Tsne.embed(embeddings, perplexity, SEED);
        XYChart chart = xy("t-SNE of both views", "", "");
        chart.getStyler().setAxisTicksVisible(false); // places have no unit
        chart.getStyler().setMarkerSize(5);
        joinPartners(chart, places);
        scatter(chart, "Text", Arrays.copyOfRange(places, 0, pairs));
        scatter(chart, "Code", Arrays.copyOfRange(places, pairs, 2 * pairs));
        figures.write(
                "tsne",
                chart,
                "view,pair,x,y",
                IntStream.range(0, 2 * pairs)
                        .mapToObj(
                                i ->
                                        String.join(
                                                ",",
                                                i < pairs ? "text" : "code",
                                                String.valueOf(i % pairs),
                                                String.valueOf(places[i][0]),
                                                String.valueOf(places[i][1])))
                        .toList());
    }

    /** Draws a line from each Text to its Code; a place that is not a number ends it. */
    private static void joinPartners(XYChart chart, double[][] places) {
        int pairs = places.length / 2;
        double[] x = new double[3 * pairs];
        double[] y = new double[3 * pairs];
        for (int pair = 0; pair < pairs; pair++) {
            for (int end = 0; end < 3; end++) {
                double[] place = places[pair + Math.min(end, 1) * pairs];
                x[3 * pair + end] = place[0];
                y[3 * pair + end] = end < 2 ? place[1] : Double.NaN;
            }
        }
        chart.addSeries("pair", x, y)
                .setMarker(new None())
                .setLineColor(Color.LIGHT_GRAY)
                .setLineWidth(0.5f);
    }

    private static void scatter(XYChart chart, String name, double[][] places) {
        chart.addSeries(
                        name,
                        Arrays.stream(places).mapToDouble(place -> place[0]).toArray(),
                        Arrays.stream(places).mapToDouble(place -> place[1]).toArray())
                .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    }

    private static XYChart xy(String title, String x, String y) {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .xAxisTitle(x)
                        .yAxisTitle(y)
                        .build();
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        return chart;
    }

    private record Point(long step, double loss) {}

    private Map<String, List<Point>> curves(Path metrics) {
        Map<String, List<Point>> curves = new LinkedHashMap<>();
        try {
            for (String line : Files.readAllLines(metrics)) {
                JsonNode step = JSON.readTree(line);
                for (String curve : CURVES) {
                    if (step.path(curve).isNumber()) {
                        curves.computeIfAbsent(curve, name -> new ArrayList<>())
                                .add(
                                        new Point(
                                                step.path("step").longValue(),
                                                step.path(curve).doubleValue()));
                    }
                }
            }
        } catch (JsonProcessingException e) {
            throw new JepaException(metrics + ": not JSON lines: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new JepaException(metrics + ": cannot be read: " + e, e);
        }
        if (curves.isEmpty()) {
            throw new JepaException(metrics + ": has no losses; it is no metrics.jsonl");
        }
        return curves;
    }

    private static void losses(Map<String, List<Point>> curves, FigureFolder figures) {
        XYChart chart = xy("Losses", "step", "loss");
        List<String> rows = new ArrayList<>();
        curves.forEach(
                (name, points) -> {
                    chart.addSeries(
                                    name,
                                    points.stream().mapToDouble(Point::step).toArray(),
                                    points.stream().mapToDouble(Point::loss).toArray())
                            .setMarker(new None());
                    points.forEach(point -> rows.add(name + "," + point.step + "," + point.loss));
                });
        LongSummaryStatistics steps =
                curves.values().stream()
                        .flatMap(List::stream)
                        .mapToLong(Point::step)
                        .summaryStatistics();
        Ticks.onX(chart, steps.getMin() - 1.0, steps.getMax());
        Ticks.onY(chart, 0, Math.max(1.05 * highest(chart), Double.MIN_NORMAL));
        figures.write("losses", chart, "loss,step,value", rows);
    }
}
