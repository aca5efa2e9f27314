Network skewed_windows {
	Layer skewed_windows {
		Type: CONV
		Dimensions { Y: 4, R: 3 }
		Dataflow {
			TemporalMap(3,1) Y;
			Cluster(3, P);
			SpatialMap(1,1) Y;
			SpatialMap(1,1) R;
		}
	}
}
