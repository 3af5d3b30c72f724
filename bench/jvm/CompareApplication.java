import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;

/**
 * One workload on Kafka Streams, until SIGTERM or the end of standard input. Arguments are name=value: workload, input, right, output,
 * brokers, application, state, guarantee, commitMs, cacheBytes. What is not set here is as the original has it by default.
 */
public final class CompareApplication {
    private static final Duration CLOSE_MAX = Duration.ofSeconds(20);

    public static void main(String[] args) throws IOException {
        Map<String, String> given = new HashMap<>();
        for (String arg : args) {
            int at = arg.indexOf('=');
            given.put(arg.substring(0, at), arg.substring(at + 1));
        }
        KafkaStreams streams = new KafkaStreams(
            Topologies.of(given.get("workload"), given.get("input"), given.get("right"), given.get("output")),
            configuration(given));
        streams.setStateListener((state, before) -> {
            if (state == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
        });
        // Without leaving, the next member of the group would wait for the end of this one's session.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CloseOptions
            .groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
            .withTimeout(CLOSE_MAX))));
        streams.start();
        // Whoever started us is gone when this ends: a killed bench leaves nothing running.
        while (System.in.read() >= 0) continue;
        System.exit(0);
    }

    private static Properties configuration(Map<String, String> given) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, given.get("application"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.get("brokers"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, given.get("state"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
            given.get("guarantee").equals("exactly-once") ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given.get("commitMs"));
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, given.get("cacheBytes"));
        return properties;
    }
}
