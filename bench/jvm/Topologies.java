import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/** The same topologies as in bench/compare/topologies.ts, one a workload. What changes here must change there. */
final class Topologies {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Serde<String> STRING = Serdes.String();
    private static final Serde<byte[]> BYTES = Serdes.ByteArray();
    private static final Serde<Long> LONG = Serdes.Long();
    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final Duration WINDOW_GRACE = Duration.ofSeconds(10);
    private static final Duration JOIN_DIFFERENCE = Duration.ofSeconds(5);
    private static final Duration JOIN_GRACE = Duration.ofMinutes(1);

    private final StreamsBuilder builder = new StreamsBuilder();
    private final String input;
    private final String right;
    private final String output;

    private Topologies(String input, String right, String output) {
        this.input = input;
        this.right = right;
        this.output = output;
    }

    static Topology of(String workload, String input, String right, String output) {
        Topologies topologies = new Topologies(input, right, output);
        switch (workload) {
            case "pass-through" -> topologies.passThrough();
            case "json-map" -> topologies.jsonMap();
            case "count" -> topologies.count();
            case "windowed-count" -> topologies.windowedCount();
            case "stream-table-join" -> topologies.streamTableJoin();
            case "stream-stream-join" -> topologies.streamStreamJoin();
            case "foreign-key-join" -> topologies.foreignKeyJoin();
            default -> throw new IllegalArgumentException("there is no workload " + workload);
        }
        return topologies.builder.build();
    }

    private void passThrough() {
        builder.stream(input, Consumed.with(BYTES, BYTES)).to(output, Produced.with(BYTES, BYTES));
    }

    private void jsonMap() {
        builder.stream(input, Consumed.with(BYTES, new JsonSerde()))
            .mapValues(order -> order.put("total", order.get("amount").intValue() * 2).put("checked", true))
            .to(output, Produced.with(BYTES, new JsonSerde()));
    }

    private void count() {
        builder.stream(input, Consumed.with(STRING, BYTES))
            .groupByKey(Grouped.with(STRING, BYTES))
            .count(Materialized.as("counts"))
            .toStream()
            .to(output, Produced.with(STRING, LONG));
    }

    private void windowedCount() {
        builder.stream(input, Consumed.with(STRING, BYTES))
            .groupByKey(Grouped.with(STRING, BYTES))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, WINDOW_GRACE))
            .count(Materialized.as("counts"))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), LONG));
    }

    private void streamTableJoin() {
        var table = builder.table(right, Consumed.with(STRING, STRING));
        builder.stream(input, Consumed.with(STRING, STRING))
            .join(table, (order, site) -> order + site, Joined.with(STRING, STRING, STRING))
            .to(output, Produced.with(STRING, STRING));
    }

    private void streamStreamJoin() {
        var others = builder.stream(right, Consumed.with(STRING, STRING));
        builder.stream(input, Consumed.with(STRING, STRING))
            .join(others, (order, other) -> order + other,
                JoinWindows.ofTimeDifferenceAndGrace(JOIN_DIFFERENCE, JOIN_GRACE),
                StreamJoined.with(STRING, STRING, STRING))
            .to(output, Produced.with(STRING, STRING));
    }

    private void foreignKeyJoin() {
        var sites = builder.table(right, Consumed.with(STRING, STRING));
        builder.table(input, Consumed.with(STRING, STRING))
            .join(sites, Topologies::siteOf, (order, site) -> order + site)
            .toStream()
            .to(output, Produced.with(STRING, STRING));
    }

    private static String siteOf(String order) {
        try {
            return String.format("key-%08d", JSON.readTree(order).get("amount").intValue());
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** JSON as a tree, the form that needs no class for each message; JSON.parse gives the other side the same. */
    private static final class JsonSerde extends Serdes.WrapperSerde<ObjectNode> {
        JsonSerde() {
            super((topic, order) -> {
                try {
                    return JSON.writeValueAsBytes(order);
                } catch (JsonProcessingException e) {
                    throw new UncheckedIOException(e);
                }
            }, (topic, bytes) -> {
                try {
                    return (ObjectNode) JSON.readTree(bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
