import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * The names of the metrics that Kafka Streams registers in JMX for one topology, on a real broker: a line for each group and name. Arguments: brokers, state
 * directory.
 */
public final class MetricNames {
    private static final String[] TOPICS = {"metrics-text", "metrics-names", "metrics-countries", "metrics-out"};

    public static void main(String[] args) throws Exception {
        String brokers = args[0];
        Properties client = new Properties();
        client.put("bootstrap.servers", brokers);
        try (Admin admin = Admin.create(client)) {
            List<NewTopic> topics = new ArrayList<>();
            for (String topic : TOPICS) topics.add(new NewTopic(topic, 1, (short) 1));
            admin.createTopics(topics).all().get(30, TimeUnit.SECONDS);
        }
        try (KafkaProducer<String, String> producer =
            new KafkaProducer<>(client, new StringSerializer(), new StringSerializer())) {
            for (String topic : TOPICS) {
                if (!topic.equals("metrics-out")) producer.send(new ProducerRecord<>(topic, "a", "one two one")).get();
            }
        }
        names(brokers, args[1]).forEach(System.out::println);
        System.exit(0);
    }

    private static TreeSet<String> names(String brokers, String state) throws Exception {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "metrics-names");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, state);
        properties.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "DEBUG");
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put("auto.offset.reset", "earliest");
        try (KafkaStreams streams = new KafkaStreams(topology(), properties)) {
            streams.start();
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (streams.state() != KafkaStreams.State.RUNNING && System.nanoTime() < end) Thread.sleep(100);
            // Some are registered with the first record, or the first commit.
            Thread.sleep(8000);
            TreeSet<String> found = new TreeSet<>();
            streams.metrics().keySet().forEach(name -> {
                // What is only the clients' own, and the count of metrics, is no part of Kafka Streams.
                if (name.group().startsWith("stream")) {
                    found.add(name.group() + "\t" + name.name());
                }
            });
            return found;
        }
    }

    /** A task with stores, caches, windows, a join, a suppression and a sink, and a global table beside it. */
    private static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> text = builder.stream("metrics-text");
        KTable<String, String> names = builder.table("metrics-names", Materialized.as("names"));
        builder.globalTable("metrics-countries", Consumed.with(Serdes.String(), Serdes.String()), Materialized.as("countries"));
        text.join(names, (left, right) -> left + right).to("metrics-out");
        text.groupByKey().count(Materialized.as("counts")).toStream().mapValues(String::valueOf).to("metrics-out");
        text.groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(100)))
            .count(Materialized.as("windows"))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .toStream()
            .map((window, count) -> org.apache.kafka.streams.KeyValue.pair(window.key(), String.valueOf(count)))
            .to("metrics-out");
        text.process(() -> new org.apache.kafka.streams.processor.api.ContextualProcessor<String, String, Void, Void>() {
            @Override
            public void init(org.apache.kafka.streams.processor.api.ProcessorContext<Void, Void> context) {
                super.init(context);
                context.schedule(Duration.ofMillis(100), org.apache.kafka.streams.processor.PunctuationType.WALL_CLOCK_TIME, at -> { });
            }

            @Override
            public void process(org.apache.kafka.streams.processor.api.Record<String, String> record) { }
        });
        return builder.build();
    }
}
